"""Where the homes are and when they will be ready: parcels, buildings, units, milestones, forecasts."""
