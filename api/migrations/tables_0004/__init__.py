"""What revision 0004 makes and changes, as it was then: a module for each part of the desk."""
