"""client - calls as the app would make them, for the simulator's own tests."""

import http.client
import json

REPLY = "/v2/bot/message/reply"
PUSH = "/v2/bot/message/push"
LOADING = "/v2/bot/chat/loading/start"
MODEL = "/v1beta/models/gemini-3.5-flash-lite:generateContent"
HELLO = [{"type": "text", "text": "hello"}]
NO_ANSWER = (0, None, {})


def post(sim, path, body, headers=None, timeout=5):
    """(status, parsed body, headers); NO_ANSWER when none came."""
    if not isinstance(body, bytes):
        body = json.dumps(body).encode()
    auth = {"x-goog-api-key": "key"} if path.startswith("/v1beta") else \
        {"Authorization": "Bearer token"}
    conn = http.client.HTTPConnection("127.0.0.1", sim.server.server_port,
                                      timeout=timeout)
    try:
        conn.request("POST", path, body, {
            "Content-Type": "application/json", **auth, **(headers or {})})
        answer = conn.getresponse()
        text = answer.read()
        try:
            value = json.loads(text)
        except ValueError:
            value = None
        return answer.status, value, dict(answer.headers)
    except (OSError, http.client.HTTPException):
        return NO_ANSWER
    finally:
        conn.close()


def reply(sim, event, messages=HELLO, headers=None, timeout=5):
    return post(sim, REPLY, {"replyToken": event["replyToken"],
                             "messages": messages}, headers, timeout)


def push(sim, user, messages=HELLO, key=None, timeout=5):
    headers = {"X-Line-Retry-Key": key} if key else {}
    return post(sim, PUSH, {"to": sim.user(user), "messages": messages},
                headers, timeout)


def ask(sim, text="What helps?", timeout=5, **body):
    return post(sim, MODEL, {"contents": [
        {"role": "user", "parts": [{"text": text}]}], **body}, None, timeout)
