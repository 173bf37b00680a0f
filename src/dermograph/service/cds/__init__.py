"""Clinical decision support as CDS Hooks 2.0 has it: https://cds-hooks.hl7.org/2.0/.

A client calls a service while a record is opened or an order is written, and sends along what the service asked for. Nothing
is fetched: what was not sent is said to be missing.
"""
