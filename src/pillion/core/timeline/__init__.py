"""What happened to a task, as a chart and as a list: from states and reports to text.

Nothing here knows where the states come from: a rehearsal's, a journal's and a test's are drawn alike.
"""
