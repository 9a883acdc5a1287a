"""The command line: each command parses, calls the app, prints. Nothing is decided here."""
