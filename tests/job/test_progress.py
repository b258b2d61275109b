from bridle.job.progress import Progress, Silent


def test_silent_takes_every_call():
    progress: Progress = Silent()
    assert progress.stage("Search", 3) is None
    assert progress.advance(2, "note") is None
    assert progress.say("text") is None
