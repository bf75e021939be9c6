import json
import subprocess
import sys

import pytest

from condgen import settings
from condgen.config import Config
from condgen.errors import CondgenError
from condgen.former import FORMER, current_names, current_words
from condgen.schema import option
from condgen.seeds import seed_of
from condgen.spec import Prior, Spec
from condgen.systems import DEFAULT, SYSTEMS, preset


@pytest.mark.parametrize("name", SYSTEMS)
def test_every_field_carries_its_meaning(name: str) -> None:
    for field, info in type(preset(name).config).model_fields.items():
        assert info.description, field
        assert info.description.rstrip().endswith((".", ")")), field


@pytest.mark.parametrize("name", SYSTEMS)
def test_a_config_survives_json(name: str) -> None:
    config = preset(name).config
    assert type(config).model_validate_json(config.model_dump_json()) == config
    assert config.with_overrides(json.loads(json.dumps(config.model_dump()))) == config


def test_rows_differ_from_their_defaults_only_by_known_settings() -> None:
    for name, found in SYSTEMS.items():
        for field, value in found.settings.items():
            assert getattr(found.config, field) == value, (name, field)
    assert DEFAULT in SYSTEMS


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"bacth": 3}, "no setting 'bacth'; did you mean 'batch'"),
        ({"batch": 0}, "batch should be greater than 0, found 0 .*--batch"),
        ({"batch": "many"}, "batch should be a valid integer.*found 'many'"),
        ({"ema_half_life": -1}, "ema_half_life should be greater than or equal to 0.*--ema-half-life"),
    ],
)
def test_bad_settings_are_one_clear_error(fields: dict[str, object], says: str) -> None:
    with pytest.raises(CondgenError, match=says):
        Config().with_overrides(fields)


def test_former_names_of_settings_still_work(capsys: pytest.CaptureFixture[str]) -> None:
    fields = [set(type(preset(name).config).model_fields) for name in SYSTEMS]
    for old, new in FORMER.items():
        assert any(new in known for known in fields), new
        assert not any(old in known for known in fields), old
    config = preset("swift").config
    assert config.with_overrides({"rise": 10, "fall": 0.1}) == config.with_overrides({"warmup": 10, "decay": 0.1})
    assert current_names({"rise": 1, "lr": 2}) == {"warmup": 1, "lr": 2}
    words = ["train", "swift", "--rise", "10", "--fall=0.1", "--lr", "1", "--out", "rise"]
    assert current_words(words) == ["train", "swift", "--warmup", "10", "--decay=0.1", "--lr", "1", "--out", "rise"]
    assert capsys.readouterr().err == "condgen: --rise is now --warmup.\ncondgen: --fall is now --decay.\n"


def test_an_unknown_setting_is_refused_as_before() -> None:
    with pytest.raises(CondgenError, match="no setting 'rise'"):
        preset("cvae").config.with_overrides({"rise": 1})


def test_unknown_systems_name_the_nearest() -> None:
    with pytest.raises(CondgenError, match="unknown system 'cgan-mul'; did you mean 'cgan-multiply'"):
        preset("cgan-mul")


def test_options_are_fields_with_hyphens() -> None:
    assert option("z_dim") == "--z-dim"


def test_seeds_are_fixed_for_ever_and_do_not_collide() -> None:
    assert seed_of(0, "z", 0) == 2212172871777641437
    grid = {seed_of(seed, stream, i) for seed in range(20) for stream in ("z", "order") for i in range(50)}
    assert len(grid) == 20 * 2 * 50
    assert all(0 <= seed < 2**63 for seed in grid)


def test_specs_and_priors_survive_json() -> None:
    spec = SYSTEMS["cvae"].source_spec
    assert Spec.from_json(json.loads(json.dumps(spec.to_json()))) == spec
    assert (spec.channels, spec.pixels) == (1, 784)
    assert Prior(100).kind == "normal"


def test_the_table_of_settings_is_that_of_the_classes() -> None:
    """settings.json lets the command line answer without torch; `python tools/write_settings.py` writes it."""
    for name, entry in SYSTEMS.items():
        assert settings.of_preset(name) == settings.of_config(entry.config), name


def test_a_misspelt_option_of_train_is_answered_without_torch() -> None:
    code = "import sys; from condgen import cli\ntry: cli.main(['train', '--lrr', '3'])\nexcept SystemExit: pass\n"
    command = [sys.executable, "-c", code + "assert 'torch' not in sys.modules and 'numpy' not in sys.modules"]
    found = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "--lrr. Did you mean --lr?" in found.stderr
