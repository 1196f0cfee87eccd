"""line_faults - how LINE fails: was the request carried out, and what does the
app get to see?  A status of None stands for no byte at all.  CONTENT is for
recordings.

Shortcuts against the real thing: those of faults.py.
"""

def line_fault(accepted, status, message=None, details=None, then="close"):
    """A row of the table LINE."""
    body = {"message": message}
    if details:
        body["details"] = details
    return {"accepted": accepted, "status": status, "body": body,
            "then": then}


ERROR_500 = "Internal server error"
LINE = {
    "500": line_fault(False, 500, ERROR_500),
    "503": line_fault(False, 503, "Service unavailable"),
    "429_rate": line_fault(
        False, 429, "The API rate limit has been exceeded. Try again later."),
    "429_monthly": line_fault(
        False, 429, "You have reached your monthly limit."),
    "401": line_fault(False, 401, "Authentication failed due to the following "
                                  "reason: invalid token"),
    "403": line_fault(False, 403, "Access to this API is not available for "
                                  "your account"),
    "404": line_fault(False, 404, "Not found"),
    "400_content": line_fault(
        False, 400, "The request body has 1 error(s)",
        [{"message": "May not be empty", "property": "messages[0].text"}]),
    "invalid_token": line_fault(False, 400, "Invalid reply token"),
    "drop": line_fault(False, None),
    "hang": line_fault(False, None, then="hang"),
    "lost": line_fault(True, None),
    "hang_accepted": line_fault(True, None, then="hang"),
    "500_accepted": line_fault(True, 500, ERROR_500),
}
CONTENT = {
    **LINE,
    "202": line_fault(False, 202),
    "410": line_fault(False, 410, "The content is gone"),
    "cut": line_fault(False, None, then="cut"),
    "drip": line_fault(False, None, then="drip"),
    "endless": line_fault(False, None, then="endless"),
}
RECORDING = b"\0\0\0\x1cftypM4A "


def endless(exchange):
    """Audio that never ends, without a length."""
    exchange.set_status(200)
    exchange.handler.wfile.write(
        b"HTTP/1.1 200 OK\r\nContent-Type: audio/x-m4a\r\n"
        b"Connection: close\r\n\r\n" + RECORDING)
    while True:
        exchange.write(bytes(65536))


def cut_recording(exchange):
    """Less audio than was announced."""
    exchange.answer(200, RECORDING, "audio/x-m4a", length=5000)


def drip_recording(exchange):
    """A byte now and then."""
    exchange.begin(200, "audio/x-m4a", None, 5000)
    while not exchange.gone(0.1):
        exchange.write(b"\0")


THEN = {"hang": lambda exchange: exchange.gone(None), "endless": endless,
        "cut": cut_recording, "drip": drip_recording,
        "close": lambda exchange: None}


def apply_line(exchange, fault):
    """Plays the visible half of a LINE fault."""
    row = CONTENT[fault.name]
    if row["status"] == 202:
        exchange.answer(202, b"", "application/json", exchange.line_headers)
        return
    if row["status"] is not None:
        exchange.json(row["status"], row["body"], exchange.line_headers)
        return
    exchange.set_status(0)
    THEN[row["then"]](exchange)
    exchange.close()
