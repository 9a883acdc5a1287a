"""What stands around one run of a task: its AWS, its endpoints and where they are served, its log router."""
