from bridle.report.sections.origin import content


def test_command_time_hardware_and_versions(searched):
    groups = content(searched)["groups"]
    assert list(groups) == ["Command", "Wall time", "Hardware", "Versions"]
    assert ("budget", "–") in groups["Command"]
    assert ("total", "2 min 12 s") in groups["Wall time"]
    assert ("memory gib", "7.7") in groups["Hardware"]


def test_empty_groups_are_left_out(regressed, bare):
    assert list(content(regressed)["groups"]) == ["Command"]
    assert content(bare) is None
