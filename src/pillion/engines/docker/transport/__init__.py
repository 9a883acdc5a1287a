"""How calls reach the engine: `protocol` says what a transport is, and there are two.

    unix     a socket of this machine: h11 over asyncio's streams; `connection` is one connection of it,
             `framing` finds the ends of bodies; `early` sends a call before asyncio is there
    remote   everything else (TCP, TLS, ssh): aiohttp, found by aiodocker

Nothing is imported here: the client loads the one that it needs. What is HTTP stays below this folder; what
is Docker's API (versions, JSON, error texts, deadlines) is in `client`.
"""
