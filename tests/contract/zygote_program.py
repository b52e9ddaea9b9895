"""A zygote as a program, for tests: the connector forks it before it has threads, which
a test process has. Run as `python tests/contract/zygote_program.py DESCRIPTOR`.
"""

import socket
import sys

from connector.adapters.whatsapp.process.zygote_process import serve

if __name__ == "__main__":
    serve(socket.socket(fileno=int(sys.argv[1])))
