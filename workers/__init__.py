"""Workers: the RQ job, the sweeper that does without Redis, the periodic jobs, the supervisor.

No rule and no SQL may enter; what a worker does is a service's business.
"""
