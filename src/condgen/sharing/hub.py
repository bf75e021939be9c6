"""Generators on the Hugging Face Hub, by owner/name. Needs huggingface_hub: pip install 'condgen[hub]'."""

from contextlib import suppress
from pathlib import Path

from condgen import marker
from condgen.errors import CondgenError, needs
from condgen.hub_errors import NAME, in_one_line
from condgen.sharing import card, manifest
from condgen.sharing.strict import Refused

WEIGHTS = "model.safetensors"
"""Name of the weights file in every exported folder."""
LARGEST = 2**34
"""Maximum size, in bytes, of a file to verify after a download. `folder.sampler` applies a stricter limit."""
FILES = (card.NAME, WEIGHTS)
"""The files of a repository that are read, besides its manifest."""


def is_name(run: str | Path) -> bool:
    """Whether `run` has the form owner/name or owner/name@revision, and is not a path into an existing folder."""
    return isinstance(run, str) and NAME.fullmatch(run) is not None and not Path(run.split("/")[0]).exists()


def fetch(name: str) -> Path:
    """The folder with a repository's card, weights and manifest, in the hub's cache; downloaded if necessary.

    Raises CondgenError if the repository does not exist, or cannot be reached and is not in the cache.
    """
    folder = _snapshot(name)
    if _is_damaged(folder):
        with suppress(CondgenError):  # damage that remains is reported when the folder is opened
            folder = _snapshot(name, anew=True)
    if not (folder / manifest.NAME).is_file():
        raise CondgenError(f"{name!r} on the Hub is not an export of condgen: it has no {manifest.NAME}.")
    return folder


def _snapshot(name: str, anew: bool = False) -> Path:
    with needs("hub"):
        from huggingface_hub import snapshot_download

    found, wanted = NAME.fullmatch(name), [manifest.NAME, marker.FILE, *FILES]
    assert found
    with in_one_line(name, "load"):
        return Path(snapshot_download(
            found["repository"], revision=found["revision"], allow_patterns=wanted, force_download=anew
        ))  # fmt: skip


def _is_damaged(folder: Path) -> bool:
    """Whether a file differs from the manifest. The hub's cache does not verify the files that it contains."""
    try:
        manifest.check(folder, LARGEST, FILES)
    except Refused:
        return (folder / manifest.NAME).is_file()
    return False


def push(folder: Path, name: str, private: bool) -> str:
    """Upload all files of a folder to a repository, which is created if it does not exist. Returns its URL."""
    with needs("hub"):
        from huggingface_hub import HfApi, get_token

    if get_token() is None:
        raise CondgenError("there is no token for the Hugging Face Hub; run hf auth login, or set HF_TOKEN.")
    with in_one_line(name, "push to"):
        api = HfApi(library_name="condgen")
        address = api.create_repo(name, private=private, exist_ok=True)
        hidden = {path.name for path in folder.iterdir() if path.name.startswith(".")} - {marker.FILE}
        ignored = [pattern for entry in sorted(hidden) for pattern in (entry, f"{entry}/*")]
        api.upload_folder(repo_id=name, folder_path=folder, ignore_patterns=ignored, delete_patterns=["model.*"],
            commit_message="condgen export",
        )  # fmt: skip
    return str(address)
