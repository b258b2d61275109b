"""`bridle report` renders again and says where."""


def test_it_says_where(cli, calls, tmp_path):
    result = cli("report", "runs/x")
    assert result.exit_code == 0, result.output
    assert calls == [("load", ("runs/x",), {})]
    assert result.stdout == f"{tmp_path / 'run' / 'report.html'}\n"
