"""The noise lab: a recording of a room becomes a profile, the profile as much of the room as is wanted."""
