"""The FUSE kernel protocol: messages, the device, the loop that answers.

`protocol` (numbers) ← `messages`, `replies`, `negotiation` (pure) ← `device`, `mounting` (system calls) ← `workers`,
`serve` (threads).
"""
