"""Makes a container in Azurite, or a blob: URL of the account, its name, its key, the container or its blob, and the text of the
blob."""

import base64
import email.utils
import hashlib
import hmac
import sys
import urllib.parse
import urllib.request

url, account, key, name, *text = sys.argv[1:]
name = urllib.parse.quote(name)
body = text[0].encode() if text else b""
kind = {"x-ms-blob-type": "BlockBlob"} if text else {}
headers = {**kind, "x-ms-date": email.utils.formatdate(usegmt=True), "x-ms-version": "2021-12-02"}
query = "" if text else "?restype=container"
# Azure's SharedKey: the method, eleven headers of which two may be sent, the headers x-ms-*, and what is asked for.
signed = [f"{header}:{value}" for header, value in headers.items()]
sent = ["PUT", "", "", str(len(body)) if body else "", "", "text/plain" if text else "", *[""] * 6]
resource = [f"/{account}/{account}/{name}", *([] if text else ["restype:container"])]
to_sign = "\n".join(sent + signed + resource).encode()
signature = base64.b64encode(hmac.new(base64.b64decode(key), to_sign, hashlib.sha256).digest()).decode()
headers |= {"Authorization": f"SharedKey {account}:{signature}", **({"Content-Type": "text/plain"} if text else {})}
urllib.request.urlopen(urllib.request.Request(f"{url}/{name}{query}", data=body or None, method="PUT", headers=headers))
