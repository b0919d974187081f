"""Runs localstripe on a free port of the loopback interface, nothing kept on disk; prints the port and serves until
its standard input is closed."""

import asyncio
import sys

from aiohttp import web
from localstripe import resources, server

resources.store.dump_to_disk = lambda: None


async def main():
    runner = web.AppRunner(server.app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    print(site._server.sockets[0].getsockname()[1], flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    await runner.cleanup()


asyncio.run(main())
