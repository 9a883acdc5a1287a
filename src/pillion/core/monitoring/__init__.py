"""What is watched of running containers, and what is made of it: rates, records, alarms, notices. Pure.

Not here: how samples are taken (the engines), and where they are sent.
"""
