"""What can be done with whole documents: compare two, take them over from AwaitStep, pack them into archives."""
