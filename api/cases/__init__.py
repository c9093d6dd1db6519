"""Complaints (信访件): filed by residents, numbered, timed by the Regulations on Petition Work."""
