"""What a reader takes in hand: a stage's values, refvi's stages, what two pins have in common."""
import numpy as np
import pytest

import refvi
from refvi.__main__ import main
from refvi.verify.run import Options, verify
from refvi.verify.trial import FAIL, PASS
from tests.verify.proof import write_page

PAGE = r"""
    ```math
    \begin{align}
    & \nabla E       \tag{truth} \\
    &\approx g       \tag{mine}
    \end{align}
    ```
    """
COMPANION = """
    import numpy as np
    from refvi import stages
    from refvi.base.core import score

    globals().update(stages("score_function"))

    def mine(eps, f, q, lam):
        return np.mean((f(eps) - 0.3)[..., None] * score(q, eps, lam), axis=-2)
    """
SUM = r"""
    ```math
    \begin{align}
    & a  \tag{whole} \\
    &= b \tag{parts}
    \end{align}
    ```
    """
PARTS = """
    import numpy as np
    def stage(rng):
        x = rng.uniform(1, 2, 3)
        return dict(x=x, scale_of=lambda x: 2 * x, n=5.)
    def whole(x, n, scale_of):
        return n * np.sum(scale_of(x))
    def parts(x, n, scale_of):
        return n * (scale_of(x[0]) + scale_of(x[1]) + scale_of(x[2]))
    """


def play(page, entropy, **options):
    return [r for kind, news in verify(page, Options(entropy, **options)) if kind == "results" for r in news]


def test_an_estimator_of_one_s_own_meets_refvi_s_stages(tmp_path, entropy):
    results = play(write_page(tmp_path, PAGE, COMPANION), entropy)
    assert {r.verdict for r in results} == {PASS}
    assert {"normal", "categorical", "plane", "beta"} <= {r.stage for r in results}
    page = write_page(tmp_path, PAGE, COMPANION.replace("np.mean(", "np.sum("))
    assert {r.verdict for r in play(page, entropy, stage="normal") if r.row == "mine"} == {FAIL}


def test_some_of_refvi_s_stages(tmp_path, entropy):
    page = write_page(tmp_path, PAGE, COMPANION.replace('"score_function"', '"score_function", "normal"'))
    assert {r.stage for r in play(page, entropy)} == {"normal"}
    with pytest.raises(LookupError, match="no stage 'nromal': did you mean normal"):
        refvi.stages("score_function", "nromal")


def test_the_values_of_a_stage_are_those_of_the_run(tmp_path, entropy, capsys):
    page = write_page(tmp_path, SUM, PARTS)
    given = next(r for r in refvi.verify(page, entropy=entropy, stages=3) if r.row == "whole" and r.stage == "stage-2")
    values = refvi.verify.stage(page, "stage-2", entropy)
    assert 10 * np.sum(values["x"]) == pytest.approx(given.value, rel=1e-15)
    words = ["verify", str(page), "--entropy", f"{entropy:x}", "--stage", "stage-2"]
    assert main([*words, "--values"]) == 0 and f"x = {values['x']!r}" in capsys.readouterr().out
    assert main([*words[:4], "--values"]) == 2 and "--values needs one page, --stage" in capsys.readouterr().err
    with pytest.raises(LookupError, match="no stage 'stag': did you mean stage"):
        refvi.verify.stage(page, "stag", entropy)


def test_what_two_pins_have_in_common_is_told(tmp_path, entropy, capsys):
    page = write_page(tmp_path, SUM, PARTS)
    assert main(["verify", str(page), "--entropy", f"{entropy:x}"]) == 0
    assert "pinned by {whole} and {parts}; both take n, scale_of(), x" in " ".join(capsys.readouterr().out.split())


def test_a_stage_misspelt_is_pointed_out(tmp_path, capsys):
    page = write_page(tmp_path, SUM, PARTS.replace("def stage(", "def stage_large("))
    assert main(["verify", str(page), "--stage", "lagre"]) == 2
    assert "no stage 'lagre': did you mean large? expected one of large" in capsys.readouterr().err
