"""What a family holds: relocation agreements and purchase contracts, with their parties and registrations."""
