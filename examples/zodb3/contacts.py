"""Persistent classes whose objects are stored as protobuf messages."""

from keas.pbpersist.tests import PContact


class Account(PContact):
    """A contact with a counter: changes of two clients at once are added up."""

    def _p_resolveConflict(self, old, committed, new):
        counts = [self.read(state).create_time for state in (old, committed, new)]
        message = self.read(new)
        message.create_time = counts[1] + counts[2] - counts[0]
        return message.SerializeToString(), new[1]

    def read(self, state):
        message = self.protobuf_type()
        message.MergeFromString(state[0])
        return message


def account(name):
    made = Account()
    made.name = name
    made.create_time = 100
    return made


def refer(source, target):
    """Make an account refer to an object."""
    source.protobuf_refs.set(source.guardians.add(), target)


def referred(source):
    return [source.protobuf_refs.get(reference) for reference in source.guardians]
