"""How a page's time is shared."""
import pytest

from refvi.verify import page as pages
from refvi.verify.trial import PASS
from tests.verify.proof import write_page
from tests.verify.test_verify import COMPANION, PAGE


@pytest.mark.parametrize("seconds, each", [(0.5, 0.25), (20.0, 1.0)])
def test_each_chain_and_stage_has_its_share_of_the_page_s_seconds_and_one_at_most(tmp_path, entropy, monkeypatch,
                                                                                  seconds, each):
    told, given = [], []

    def play_settings(cast, results, functions, scene_of, seconds, alone):
        given.append((seconds, alone))
        return results, [], ()

    monkeypatch.setattr(pages, "play_settings", play_settings)
    path = write_page(tmp_path, PAGE, COMPANION, "shared_time")
    pages.play_page(told.append, path, pages.Options(entropy, seconds=seconds), 0, {})
    assert given == [(each, False)] * 2
    assert [result.verdict for kind, *message in told if kind == "results" for result in message[1]] == [PASS] * 4
