"""gemini_rules - which generateContent bodies Gemini refuses, and how.

check() walks the body along SCHEMA (proto-JSON: camelCase or snake_case
names, unknown names refused), then asks what depends on the model.  It
raises Invalid with the words of the real service where those are known.

Shortcuts against the real thing: schemas of responses, tool configurations
and function declarations are not looked into; enum values of tools are not
checked; only the first mistake is reported; only recordings are decoded; the
words about the last turn, sampling, thinking and recordings are ours.
"""

import base64
import re

TEXT_MODELS = {
    "gemini-3.8-flash", "gemini-3.7-flash", "gemini-3.6-flash",
    "gemini-3.5-flash", "gemini-3.5-flash-lite", "gemini-3.1-flash-lite",
    "gemini-3.1-pro-preview", "gemini-3-flash-preview", "gemini-4-argon",
    "gemini-4-carbon", "gemini-flash-latest", "gemini-flash-lite-latest",
    "gemini-pro-latest", "gemini-2.5-flash", "gemini-2.5-pro"}
TRANSCRIBERS = {"gemini-3.5-transcribe"}
AUDIO_TYPES = {"audio/" + name for name in (
    "wav", "mp3", "mpeg", "aiff", "aac", "ogg", "flac", "m4a", "mp4", "l16",
    "opus")}
BUDGET_MODELS = {"gemini-2.5-flash", "gemini-2.5-pro"}
# Models that take the classic sampling parameters at their word.
SAMPLING_MODELS = BUDGET_MODELS | {
    "gemini-3-flash-preview", "gemini-3.1-flash-lite",
    "gemini-3.1-pro-preview", "gemini-3.5-flash"}
LEVELS = ("MINIMAL", "LOW", "MEDIUM", "HIGH")
OUTPUT_MAX = 65536
REQUEST_MAX = 20 * 1024 * 1024


class Invalid(Exception):
    """400 INVALID_ARGUMENT; field is set for mistakes of the JSON."""

    def __init__(self, message, field=None):
        super().__init__(message)
        self.field = field


ANY = object()
THINKING = {"includeThoughts": bool, "thinkingBudget": int,
            "thinkingLevel": LEVELS}
BLOB = {"mimeType": str, "data": str, "displayName": str}
PART = {
    "text": str, "inlineData": BLOB,
    "fileData": {"mimeType": str, "fileUri": str},
    "functionCall": ANY, "functionResponse": ANY, "executableCode": ANY,
    "codeExecutionResult": ANY, "thought": bool, "thoughtSignature": str,
    "speechMetadata": {"style": str, "speaker": str}, "videoMetadata": ANY,
    "mediaResolution": ANY}
PART_DATA = ("text", "inlineData", "fileData", "functionCall",
             "functionResponse", "executableCode", "codeExecutionResult")
CONTENT = {"role": str, "parts": [PART]}
SCHEMA = {
    "model": str, "contents": [CONTENT], "systemInstruction": CONTENT,
    "generationConfig": {
        "maxOutputTokens": int, "temperature": float, "topP": float,
        "topK": int, "seed": int, "stopSequences": [str],
        "candidateCount": int, "responseMimeType": str,
        "responseSchema": ANY, "responseJsonSchema": ANY,
        "responseModalities": [("TEXT", "IMAGE", "AUDIO")],
        "speechConfig": ANY, "thinkingConfig": THINKING,
        "audioTranscriptionConfig": ANY, "mediaResolution": str,
        "presencePenalty": float, "frequencyPenalty": float},
    "safetySettings": [{
        "category": ("HARM_CATEGORY_HARASSMENT", "HARM_CATEGORY_HATE_SPEECH",
                     "HARM_CATEGORY_SEXUALLY_EXPLICIT",
                     "HARM_CATEGORY_DANGEROUS_CONTENT",
                     "HARM_CATEGORY_CIVIC_INTEGRITY"),
        "threshold": ("BLOCK_LOW_AND_ABOVE", "BLOCK_MEDIUM_AND_ABOVE",
                      "BLOCK_ONLY_HIGH", "BLOCK_NONE", "OFF")}],
    "tools": [{"googleSearch": ANY, "functionDeclarations": ANY,
               "codeExecution": ANY, "urlContext": ANY}],
    "toolConfig": ANY, "cachedContent": str, "serviceTier": str}
TYPE_NAMES = {str: "TYPE_STRING", bool: "TYPE_BOOL", int: "TYPE_INT32",
              float: "TYPE_FLOAT"}


def snake(name):
    return re.sub(r"([A-Z])", lambda m: "_" + m[1].lower(), name)


def fits(value, kind):
    if kind is float:
        return isinstance(value, (int, float)) and not isinstance(value, bool)
    if kind is int:
        return isinstance(value, int) and not isinstance(value, bool)
    return isinstance(value, kind)


def walk(value, schema, path):
    """Checks names and types; returns the value with camelCase names."""
    if schema is ANY:
        return value
    if isinstance(schema, dict):
        return walk_object(value, schema, path)
    if isinstance(schema, list):
        if not isinstance(value, list):
            value = [value]  # proto-JSON takes one for a list of one
        return [walk(entry, schema[0], f"{path}[{i}]")
                for i, entry in enumerate(value)]
    if isinstance(schema, tuple):
        if not isinstance(value, str) or value.upper() not in schema:
            raise Invalid(f"Invalid value at '{path}' (TYPE_ENUM), "
                          f"\"{value}\"", path)
        return value.upper()
    if not fits(value, schema):
        raise Invalid(f"Invalid value at '{path}' ({TYPE_NAMES[schema]}), "
                      f"{value!r}", path)
    return value


def walk_object(value, schema, path):
    if not isinstance(value, dict):
        raise Invalid(f"Invalid value at '{path}', {value!r}", path)
    names = {snake(name): name for name in schema}
    result = {}
    for name, entry in value.items():
        true_name = name if name in schema else names.get(name)
        if true_name is None:
            where = f" at '{path}'" if path else ""
            raise Invalid("Invalid JSON payload received. Unknown name "
                          f"\"{name}\"{where}: Cannot find field.", path)
        inner = snake(true_name)
        result[true_name] = walk(entry, schema[true_name],
                                 f"{path}.{inner}" if path else inner)
    return result


def check(body, model):
    """The body in camelCase, or Invalid."""
    body = walk(body, SCHEMA, "")
    check_contents(body.get("contents"), model)
    if "systemInstruction" in body:
        check_parts(body["systemInstruction"],
                    "GenerateContentRequest.system_instruction")
    check_config(body.get("generationConfig", {}), model)
    return body


def check_contents(contents, model):
    if not contents:
        raise Invalid("* GenerateContentRequest.contents: contents is not "
                      "specified\n")
    for i, content in enumerate(contents):
        if content.get("role", "user") not in ("user", "model"):
            raise Invalid("Please use a valid role: user, model.")
        check_parts(content, f"GenerateContentRequest.contents[{i}]")
    if contents[0].get("role", "user") != "user":
        raise Invalid("Please ensure that the first turn is a user turn.")
    if contents[-1].get("role", "user") != "user" and \
            model not in SAMPLING_MODELS:
        raise Invalid("Please ensure that the last turn is a user turn.")


def check_parts(content, where):
    parts = content.get("parts")
    if not parts:
        raise Invalid(f"* {where}.parts: contents.parts must not be empty.\n")
    for i, part in enumerate(parts):
        kinds = [name for name in PART_DATA if part.get(name)]
        if len(kinds) != 1:
            raise Invalid(f"* {where}.parts[{i}].data: required oneof field "
                          "'data' must have one initialized field\n")


def recording(contents, model):
    """(type, bytes) of the recording in the last turn, or None."""
    parts = contents[-1]["parts"]
    sounds = [part["inlineData"] for part in parts if "inlineData" in part]
    if model in TRANSCRIBERS and (len(parts) != 1 or not sounds):
        raise Invalid("This model takes one recording and nothing else.")
    if not sounds:
        return None
    kind = sounds[0].get("mimeType", "").lower()
    if kind not in AUDIO_TYPES:
        raise Invalid(f"Unsupported MIME type: {kind}")
    try:
        data = base64.b64decode(sounds[0]["data"], validate=True)
    except (KeyError, ValueError):
        raise Invalid("Base64 decoding failed.") from None
    if not data:
        raise Invalid("The recording is empty.")
    return kind, data


def check_config(config, model):
    """Ranges, and what this family of models refuses."""
    limits = {"maxOutputTokens": (1, OUTPUT_MAX), "temperature": (0, 2),
              "topP": (0, 1), "topK": (1, 1000), "candidateCount": (1, 8)}
    for name, (low, high) in limits.items():
        if name in config and not low <= config[name] <= high:
            raise Invalid("* GenerateContentRequest.generation_config."
                          f"{snake(name)}: must be in the range [{low}, "
                          f"{high}].\n")
    if len(config.get("stopSequences", [])) > 5:
        raise Invalid("* GenerateContentRequest.generation_config."
                      "stop_sequences: at most 5 are allowed.\n")
    if model not in SAMPLING_MODELS:
        for name in ("presencePenalty", "frequencyPenalty"):
            if name in config:
                raise Invalid("Penalty is not enabled for this model")
        if config.get("candidateCount", 1) != 1:
            raise Invalid("Multiple candidates is not enabled for this model")
    check_thinking(config.get("thinkingConfig", {}), model)


def check_thinking(thinking, model):
    level = thinking.get("thinkingLevel")
    budget = thinking.get("thinkingBudget")
    if level is not None and budget is not None:
        raise Invalid("You can only set only one of thinking budget and "
                      "thinking level.")
    if level is not None and model in BUDGET_MODELS:
        raise Invalid("Thinking level is not supported for this model.")
    if level == "MINIMAL" and model == "gemini-3.8-flash":
        raise Invalid("Thinking level MINIMAL is not supported for this "
                      "model.")
    if budget is not None and not -1 <= budget <= 32768:
        raise Invalid("The thinking budget is out of range.")
    if budget == 0 and model == "gemini-2.5-pro":
        raise Invalid("Budget 0 is invalid. This model only works in "
                      "thinking mode.")
