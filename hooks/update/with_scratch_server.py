"""Run a program in another folder, with the project's server for scratch databases.

    with_scratch_server.py FOLDER PROGRAM ARGUMENT ...

The project's Python runs it in the project's folder. The project's embedded server, if it has one, runs until the end.
"""

import os
import subprocess
import sys

from project_modules import scratch_url

url = scratch_url()
server = (
    {} if url.get_backend_name() == "sqlite" else {"SCRATCH_DATABASE_URL": url.render_as_string(hide_password=False)}
)
sys.exit(subprocess.call(sys.argv[2:], cwd=sys.argv[1], env=os.environ | server))
