"""line_flex - the rules of flex messages: sizes, components, colours.

Shortcuts against the real thing: sizes, margins and offsets ("md", "4px",
"50%") are not checked; the size of a container is that of compact JSON; that
all bubbles of a carousel have one size is not checked.
"""

import json
import re

from simulator import line_check

BUBBLE_BYTES = 30 * 1024
CAROUSEL_BYTES = 50 * 1024
COLOUR = re.compile(r"#([0-9A-Fa-f]{6}|[0-9A-Fa-f]{8})")

PLACE = {"type", "flex", "margin", "position", "offsetTop", "offsetBottom",
         "offsetStart", "offsetEnd"}
COMPONENTS = {
    "box": PLACE | {
        "layout", "contents", "spacing", "backgroundColor", "borderColor",
        "borderWidth", "cornerRadius", "width", "maxWidth", "height",
        "maxHeight", "paddingAll", "paddingTop", "paddingBottom",
        "paddingStart", "paddingEnd", "action", "justifyContent",
        "alignItems", "background"},
    "button": PLACE | {"color", "style", "action", "gravity", "height",
                       "adjustMode", "scaling"},
    "image": PLACE | {"url", "align", "gravity", "size", "aspectRatio",
                      "aspectMode", "backgroundColor", "action", "animated"},
    "video": {"type", "url", "previewUrl", "altContent", "aspectRatio",
              "action"},
    "icon": PLACE | {"url", "size", "aspectRatio", "scaling"},
    "text": PLACE | {"text", "size", "align", "gravity", "color", "weight",
                     "style", "decoration", "wrap", "lineSpacing", "action",
                     "maxLines", "contents", "adjustMode", "scaling"},
    "span": {"type", "text", "size", "color", "weight", "style",
             "decoration"},
    "separator": {"type", "margin", "color"},
    "filler": {"type", "flex"},
}
IN_STACK = ("box", "button", "image", "text", "separator", "filler", "video")
IN_BASELINE = ("icon", "text", "filler")
BUBBLE = {"type", "size", "direction", "styles", "header", "hero", "body",
          "footer", "action"}
ENUMS = {
    "weight": ("regular", "bold"),
    "decoration": ("none", "underline", "line-through"),
    "align": ("start", "end", "center"),
    "gravity": ("top", "bottom", "center"),
    "position": ("relative", "absolute"),
    "aspectMode": ("fit", "cover"),
}
BUBBLE_SIZES = ("nano", "micro", "deca", "hecto", "kilo", "mega", "giga")


def check_container(found, prop, value):
    """A bubble, or a carousel of bubbles."""
    if not isinstance(value, dict):
        found.error(prop, "May not be empty")
        return
    if not found.one_of(prop + ".type", value.get("type"),
                        ("bubble", "carousel")):
        return
    if value["type"] == "bubble":
        check_bubble(found, prop, value)
        return
    found.object(prop, value, {"type", "contents"})
    check_size(found, prop, value, CAROUSEL_BYTES)
    bubbles = found.list(prop + ".contents", value.get("contents"), 1, 12)
    for i, bubble in enumerate(bubbles):
        check_bubble(found, f"{prop}.contents[{i}]", bubble)


def check_size(found, prop, value, limit):
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    if len(text.encode("utf-8", "surrogatepass")) > limit:
        found.error(prop, f"must be smaller than {limit} bytes")


def check_bubble(found, prop, bubble):
    if not found.object(prop, bubble, BUBBLE):
        return
    found.one_of(prop + ".type", bubble.get("type"), ("bubble",))
    found.one_of(prop + ".size", bubble.get("size"), BUBBLE_SIZES,
                 needed=False)
    check_size(found, prop, bubble, BUBBLE_BYTES)
    for block in ("header", "body", "footer"):
        if block in bubble:
            check_component(found, f"{prop}.{block}", bubble[block], ("box",))
    if "hero" in bubble:
        check_component(found, prop + ".hero", bubble["hero"],
                        ("box", "image", "video"))
    check_action(found, prop, bubble, needed=False)


def check_component(found, prop, value, allowed):
    """A component of one of the allowed types, and all inside it."""
    if not isinstance(value, dict):
        found.error(prop, "must be an object")
        return
    kind = value.get("type")
    if not found.one_of(prop + ".type", kind, allowed):
        return
    found.object(prop, value, COMPONENTS[kind])
    for name in ("color", "backgroundColor", "borderColor"):
        if name in value and not COLOUR.fullmatch(str(value[name])):
            found.error(f"{prop}.{name}", "invalid color")
    for name, values in ENUMS.items():
        found.one_of(f"{prop}.{name}", value.get(name), values, needed=False)
    CHECKS.get(kind, lambda *_: None)(found, prop, value)


def check_box(found, prop, box):
    layouts = ("horizontal", "vertical", "baseline")
    if not found.one_of(prop + ".layout", box.get("layout"), layouts):
        return
    inside = IN_BASELINE if box["layout"] == "baseline" else IN_STACK
    contents = box.get("contents")
    if not isinstance(contents, list):
        found.error(prop + ".contents", "May not be empty")
        return
    for i, part in enumerate(contents):
        check_component(found, f"{prop}.contents[{i}]", part, inside)
    check_action(found, prop, box, needed=False)


def check_text(found, prop, text):
    if not text.get("text") and not text.get("contents"):
        found.error(prop + ".text", "must be non-empty text")
    found.text(prop + ".text", text.get("text"), 0, 2000)
    found.boolean(prop + ".wrap", text.get("wrap"))
    for i, span in enumerate(text.get("contents") or []):
        check_component(found, f"{prop}.contents[{i}]", span, ("span",))
    check_action(found, prop, text, needed=False)


def check_button(found, prop, button):
    found.one_of(prop + ".style", button.get("style"),
                 ("primary", "secondary", "link"), needed=False)
    check_action(found, prop, button, needed=True)


def check_image(found, prop, image):
    found.https(prop + ".url", image.get("url"))
    check_action(found, prop, image, needed=False)


def check_video(found, prop, video):
    found.https(prop + ".url", video.get("url"))
    found.https(prop + ".previewUrl", video.get("previewUrl"))
    check_component(found, prop + ".altContent", video.get("altContent"),
                    ("box", "image"))


CHECKS = {"box": check_box, "text": check_text, "button": check_button,
          "image": check_image, "icon": check_image, "video": check_video}


def check_action(found, prop, value, needed):
    """The action of a component; a button must have one, with a label."""
    if "action" not in value and not needed:
        return
    line_check.check_action(found, prop + ".action", value.get("action"), 40,
                            label_needed=needed, only_quick=False)
