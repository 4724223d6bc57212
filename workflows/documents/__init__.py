"""What can be done with whole documents: compare two, test them, take them over from AwaitStep, archive them."""
