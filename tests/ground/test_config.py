"""Settings: from the environment over the instance file, typed, and none unknown."""

from pathlib import Path

import pytest

from kap.config import Config, ConfigError


def test_the_environment_wins_over_the_file_and_both_over_the_default(tmp_path: Path) -> None:
    (tmp_path / "kap.toml").write_text('port = 9000\nhost = "0.0.0.0"\n')
    config = Config.load({"KAP_INSTANCE": str(tmp_path), "KAP_PORT": "9100", "PATH": "/bin"})
    assert (config.port, config.host, config.web_threads) == (9100, "0.0.0.0", 16)
    assert config.database == f"sqlite:///{tmp_path}/kap.db"
    assert config.key_path == tmp_path / "key"
    assert config.address == "http://0.0.0.0:9100"
    assert not config.secure


def test_an_unknown_name_stops_the_start(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="KAP_PROT"):
        Config.load({"KAP_INSTANCE": str(tmp_path), "KAP_PROT": "1"})
    (tmp_path / "kap.toml").write_text("prot = 1")
    with pytest.raises(ConfigError, match="prot"):
        Config.load({"KAP_INSTANCE": str(tmp_path)})


@pytest.mark.parametrize("name,value", [("KAP_PORT", "many"), ("KAP_DEVELOPMENT", "perhaps")])
def test_a_value_of_the_wrong_kind_stops_the_start(tmp_path: Path, name: str, value: str) -> None:
    with pytest.raises(ConfigError, match="cannot be"):
        Config.load({"KAP_INSTANCE": str(tmp_path), name: value})


def test_a_broken_file_stops_the_start(tmp_path: Path) -> None:
    (tmp_path / "kap.toml").write_text("port = = 1")
    with pytest.raises(ConfigError, match="cannot be read"):
        Config.load({"KAP_INSTANCE": str(tmp_path)})


def test_a_public_address_makes_cookies_secure(tmp_path: Path) -> None:
    config = Config.load({"KAP_INSTANCE": str(tmp_path), "KAP_BASE_URL": "https://kap.example.org/"})
    assert (config.address, config.secure) == ("https://kap.example.org", True)
