"""Run PROGRAM in FOLDER, with SCRATCH_DATABASE_URL set to the project's server.

    with_scratch_server.py FOLDER PROGRAM ARGUMENT ...

Start this file with the project's Python, in the project's folder. A dry run needs it, because its scratch repository
would start an embedded server of its own.
"""

import os
import subprocess
import sys

from project_modules import scratch_url

url = scratch_url()
server = (
    {} if url.get_backend_name() == "sqlite" else {"SCRATCH_DATABASE_URL": url.render_as_string(hide_password=False)}
)
try:
    sys.exit(subprocess.call(sys.argv[2:], cwd=sys.argv[1], env=os.environ | server))
except KeyboardInterrupt:
    sys.exit(1)
