"""The new tables of revision 0002, a module a domain, as they were then; the revision tells in which order."""
