"""What answers which address. Views ask the farm and render; they decide nothing."""
