"""For tests: of users, of engine authors, and our own. Nothing here is imported by the product itself."""
