"""line_rules - which request bodies LINE refuses, and with what words.

check_body() and check_loading() return Findings: errors are what LINE
answers 400 for, doubts are what LINE may accept today but the app should not
send (properties that no document knows, message types not checked here).

Shortcuts against the real thing: textV2, template, imagemap and coupon
messages are doubts instead of being checked; the placeholder of a LINE emoji
counts as one character.
"""

import re

from simulator import line_flex
from simulator.line_check import Findings, check_action, is_int

KNOWN_TYPES = ("text, textV2, sticker, image, video, audio, location, "
               "imagemap, template, flex, coupon").split(", ")
TEXT_MAX = 5000
CHAT_ID = re.compile(r"[UCR][0-9a-f]{32}")
USER_ID = re.compile(r"U[0-9a-f]{32}")


def check_body(body, recipient):
    """Findings for a reply, push or validate body.

    recipient is "replyToken", "to", or None for the validate calls.
    """
    found = Findings()
    known = {"messages"}
    if recipient:
        known |= {recipient, "notificationDisabled"}
    if recipient == "to":
        known.add("customAggregationUnits")
    if not found.object("", body, known):
        return found
    if recipient:
        found.text(recipient, body.get(recipient), 1, 1000)
        found.boolean("notificationDisabled",
                      body.get("notificationDisabled"))
    messages = found.list("messages", body.get("messages"), 1, 5)
    for i, message in enumerate(messages):
        check_message(found, f"messages[{i}]", message)
        if i + 1 < len(messages) and "quickReply" in (message or {}):
            found.doubt(f"messages[{i}]: only the last one's quickReply is "
                        "shown")
    return found


COMMON = {"type", "quickReply", "sender"}


def check_message(found, prop, message):
    """One message object."""
    if not isinstance(message, dict):
        found.error(prop, "must be an object")
        return
    kind = message.get("type")
    if not found.one_of(prop + ".type", kind, KNOWN_TYPES):
        return
    if kind not in MESSAGES:
        found.doubt(f"{prop}: the simulator cannot check type {kind!r}")
        return
    names, check = MESSAGES[kind]
    found.object(prop, message, COMMON | names)
    check(found, prop + ".", message)
    check_sender(found, prop + ".sender", message.get("sender"))
    if "quickReply" in message:
        check_quick_reply(found, prop + ".quickReply", message["quickReply"])


def check_text(found, prop, message):
    found.text(prop + "text", message.get("text"), 1, TEXT_MAX)
    found.text(prop + "quoteToken", message.get("quoteToken"), 0, 1000)
    if "emojis" in message:
        emojis = found.list(prop + "emojis", message["emojis"], 0, 20)
        for i, emoji in enumerate(emojis):
            found.object(f"{prop}emojis[{i}]", emoji,
                         {"index", "productId", "emojiId"})


def check_audio(found, prop, message):
    found.https(prop + "originalContentUrl", message.get("originalContentUrl"))
    found.positive(prop + "duration", message.get("duration"))


def check_picture(found, prop, message):
    found.https(prop + "originalContentUrl", message.get("originalContentUrl"))
    found.https(prop + "previewImageUrl", message.get("previewImageUrl"))


def check_sticker(found, prop, message):
    found.text(prop + "packageId", message.get("packageId"), 1, 100)
    found.text(prop + "stickerId", message.get("stickerId"), 1, 100)


def check_location(found, prop, message):
    found.text(prop + "title", message.get("title"), 1, 100)
    found.text(prop + "address", message.get("address"), 1, 100)
    for name in ("latitude", "longitude"):
        if not isinstance(message.get(name), (int, float)):
            found.error(prop + name, "must be a number")


def check_flex(found, prop, message):
    found.text(prop + "altText", message.get("altText"), 1, 1500)
    line_flex.check_container(found, prop + "contents",
                              message.get("contents"))


MESSAGES = {
    "text": ({"text", "emojis", "quoteToken"}, check_text),
    "audio": ({"originalContentUrl", "duration"}, check_audio),
    "image": ({"originalContentUrl", "previewImageUrl"}, check_picture),
    "video": ({"originalContentUrl", "previewImageUrl", "trackingId"},
              check_picture),
    "sticker": ({"packageId", "stickerId", "quoteToken"}, check_sticker),
    "location": ({"title", "address", "latitude", "longitude"},
                 check_location),
    "flex": ({"altText", "contents"}, check_flex),
}


def check_sender(found, prop, sender):
    if sender is None or not found.object(prop, sender, {"name", "iconUrl"}):
        return
    found.text(prop + ".name", sender.get("name"), 0, 20)
    found.https(prop + ".iconUrl", sender.get("iconUrl"), needed=False)


def check_quick_reply(found, prop, value):
    if not found.object(prop, value, {"items"}):
        return
    items = found.list(prop + ".items", value.get("items"), 1, 13)
    for i, item in enumerate(items):
        here = f"{prop}.items[{i}]"
        if not found.object(here, item, {"type", "imageUrl", "action"}):
            continue
        found.one_of(here + ".type", item.get("type"), ["action"])
        found.https(here + ".imageUrl", item.get("imageUrl"), needed=False)
        check_action(found, here + ".action", item.get("action"), 20,
                     label_needed=True, only_quick=True)


def check_loading(body):
    """Findings for the body of the loading animation."""
    found = Findings()
    if not found.object("", body, {"chatId", "loadingSeconds"}):
        return found
    if not USER_ID.fullmatch(str(body.get("chatId"))):
        found.error("chatId", "Only user id is acceptable, please confirm if "
                    "there are any group/room ids or illegal ids.")
    seconds = body.get("loadingSeconds", 20)
    if not is_int(seconds):
        found.error("loadingSeconds", "must be an integer")
        return found
    if not 5 <= seconds <= 60:
        found.error("loadingSeconds", "Must be between 5 and 60")
    if seconds % 5:
        found.error("loadingSeconds", "must be a multiple of five")
    return found
