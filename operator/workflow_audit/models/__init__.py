"""What things are: frozen values that check themselves and decide nothing."""
