"""How one pillion speaks to another: claims on tasks, and the socket of the process that supervises them."""
