//! Server signing: the firmware half, inside whose boundary signing keys are made, checked and used.
