"""The system as several processes of each kind, as an operator runs it: killed, ended, rolled out one by one."""
