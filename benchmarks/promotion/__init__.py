"""What measures promotion: the gate, the protocol, the record, the release."""
