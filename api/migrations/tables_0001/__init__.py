"""The tables of revision 0001, a module a domain, as they were then; the revision tells in which order."""
