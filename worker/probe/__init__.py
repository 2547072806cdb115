"""What this machine has: devices, memory, free and used."""
