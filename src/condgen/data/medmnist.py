"""The two-dimensional data sets of MedMNIST v2 (Yang et al. 2023, CC BY 4.0), with checksums and names as in the
package medmnist 2.1 (zenodo.org/record/6496656)."""

from typing import NamedTuple

URL = "https://zenodo.org/record/6496656/files/{}.npz?download=1"
ORGANS = (
    "bladder", "femur-left", "femur-right", "heart", "kidney-left", "kidney-right", "liver", "lung-left", "lung-right",
    "pancreas", "spleen",
)  # fmt: skip


class Flag(NamedTuple):
    """One data set: the MD5 of its file, the names of its labels, and a summary."""

    md5: str
    names: tuple[str, ...]
    summary: str


FLAGS = {
    "pathmnist": Flag(
        "a8b06965200029087d5bd730944a56c1",
        (
            "adipose", "background", "debris", "lymphocytes", "mucus", "smooth muscle", "normal colon mucosa",
            "cancer-associated stroma", "colorectal adenocarcinoma epithelium",
        ),
        "107,180 patches of colon tissue, colour, 9 classes",
    ),
    "chestmnist": Flag(
        "02c8a6516a18b556561a56cbdd36c4a8",
        (
            "atelectasis", "cardiomegaly", "effusion", "infiltration", "mass", "nodule", "pneumonia", "pneumothorax",
            "consolidation", "edema", "emphysema", "fibrosis", "pleural", "hernia",
        ),
        "112,120 chest X-rays, grey, 14 attributes",
    ),
    "dermamnist": Flag(
        "0744692d530f8e62ec473284d019b0c7",
        (
            "actinic keratoses and intraepithelial carcinoma", "basal cell carcinoma", "benign keratosis-like lesions",
            "dermatofibroma", "melanoma", "melanocytic nevi", "vascular lesions",
        ),
        "10,015 skin lesions, colour, 7 classes",
    ),
    "octmnist": Flag(
        "c68d92d5b585d8d81f7112f81e2d0842",
        ("choroidal neovascularization", "diabetic macular edema", "drusen", "normal"),
        "109,309 retinal OCT images, grey, 4 classes",
    ),
    "pneumoniamnist": Flag(
        "28209eda62fecd6e6a2d98b1501bb15f", ("normal", "pneumonia"), "5,856 chest X-rays of children, grey, 2 classes"
    ),
    "retinamnist": Flag(
        "bd4c0672f1bba3e3a89f0e4e876791e4", ("0", "1", "2", "3", "4"), "1,600 fundus images, colour, 5 grades"
    ),
    "breastmnist": Flag(
        "750601b1f35ba3300ea97c75c52ff8f6", ("malignant", "normal, benign"), "780 breast ultrasounds, grey, 2 classes"
    ),
    "bloodmnist": Flag(
        "7053d0359d879ad8a5505303e11de1dc",
        (
            "basophil", "eosinophil", "erythroblast",
            "immature granulocytes(myelocytes, metamyelocytes and promyelocytes)", "lymphocyte", "monocyte",
            "neutrophil", "platelet",
        ),
        "17,092 blood cells, colour, 8 classes",
    ),
    "tissuemnist": Flag(
        "ebe78ee8b05294063de985d821c1c34b",
        (
            "Collecting Duct, Connecting Tubule", "Distal Convoluted Tubule", "Glomerular endothelial cells",
            "Interstitial endothelial cells", "Leukocytes", "Podocytes", "Proximal Tubule Segments",
            "Thick Ascending Limb",
        ),
        "236,386 kidney cells, grey, 8 classes",
    ),
    "organamnist": Flag("866b832ed4eeba67bfb9edee1d5544e6", ORGANS, "58,850 CT slices, axial, grey, 11 classes"),
    "organcmnist": Flag("0afa5834fb105f7705a7d93372119a21", ORGANS, "23,660 CT slices, coronal, grey, 11 classes"),
    "organsmnist": Flag("e5c39f1af030238290b9557d9503af9d", ORGANS, "25,221 CT slices, sagittal, grey, 11 classes"),
}  # fmt: skip
