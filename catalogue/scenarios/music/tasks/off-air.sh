# Nothing will be sent to the radio.
true
