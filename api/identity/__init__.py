"""Who people are: names, ID numbers and phones (sealed), and how they prove it."""
