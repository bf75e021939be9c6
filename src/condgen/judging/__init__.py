"""Evaluation of generators, independent of any system: images and labels in, metrics next to those of real images out.

A judge is a small classifier of real images. Its last hidden layer gives the features of all metrics.

classifier.py   the network of judges, and of the classifiers that are trained on generated images
judge.py        finds or trains a judge      weights/   judges that are part of the package
reference.py    the judge's predictions of real images
generated_set.py   generated images, with the judge's predictions of them
by_label.py  classifier_score.py  against_training.py   metrics of labels, CAS, and metrics beside training images
protocol.py     condgen-eval/1: which metrics are computed, from which images, and how
evaluation.py   all of them as JSON
faults.py       known faults, and who notices them
external.py     images made by any tool
nearness.py     which images are too near to training images
monitor.py      small evaluations while training, and alarms
walks.py  inception.py
"""
