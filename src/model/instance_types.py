#!/usr/bin/env python3
"""Prints the table of EC2 instance types that the program carries.

    pip install moto==5.2.1
    python3 src/model/instance_types.py > src/model/instance_types.txt

The figures are those that AWS's DescribeInstanceTypes answers, as the package moto keeps them.
"""

import gzip
import json
from pathlib import Path

import moto

HEAD = f"""\
# EC2 instance types: what AWS's DescribeInstanceTypes says of them.
# Made by src/model/instance_types.py from moto {moto.__version__} (https://github.com/getmoto/moto), Copyright 2012 Steve Pulec,
# Apache License 2.0; see NOTICE. Do not edit by hand.
#
# A line a family: its name, its architecture, and its sizes from small to large as SIZE=VCPUS/MIB, with the number of its
# NVIDIA GPUs behind another slash where it has some."""


def architecture(kind):
    """x86_64 or arm64; None for what AWS Batch cannot use."""
    supported = kind["ProcessorInfo"]["SupportedArchitectures"]
    return next((name for name in ("x86_64", "arm64") if name in supported), None)


def gpus(kind):
    """Whole NVIDIA GPUs: the only ones that AWS Batch gives to jobs."""
    found = kind.get("GpuInfo", {}).get("Gpus", [])
    whole = [gpu for gpu in found if gpu["Manufacturer"] == "NVIDIA" and gpu.get("GpuPartitionSize", 1.0) >= 1.0]
    return sum(gpu["Count"] for gpu in whole)


def main():
    source = Path(moto.__file__).parent / "ec2/resources/instance_types.json.gz"
    with gzip.open(source) as file:
        kinds = json.load(file)
    families = {}
    for name, kind in kinds.items():
        family, size = name.split(".")
        arch = architecture(kind)
        if arch is None:
            continue
        vcpus, mib = kind["VCpuInfo"]["DefaultVCpus"], kind["MemoryInfo"]["SizeInMiB"]
        figures = [vcpus, mib] + ([gpus(kind)] if gpus(kind) else [])
        # One that fills the machine stands before the whole machine without a hypervisor.
        families.setdefault((family, arch), []).append((vcpus, mib, kind["BareMetal"], size, figures))
    print(HEAD)
    for (family, arch), sizes in sorted(families.items()):
        listed = (f"{size}={'/'.join(map(str, figures))}" for *_, size, figures in sorted(sizes))
        print(family, arch, *listed)


main()
