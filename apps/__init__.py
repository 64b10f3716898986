"""The dashboard: a Streamlit application that asks the library the same questions as the commands do.

`serve` starts it. A page under `views/` holds layout only: numbers come from the library's public functions, charts
from `saedata.plots`, and everything that came from a corpus passes through `markup` before it is shown. (A folder
called `pages` beside the script would be served by Streamlit itself, past the password.)
"""

from saedata_apps.serving import serve

__all__ = ["serve"]
