"""Flags of other code bases (Progressive GAN, StyleGAN2, StyleGAN2-ADA, StyleGAN3, lucidrains', rosinality's), spelt
with underscores, and what to say to those who use them here: "there is no flag --kimg; here it is --total_kimg".
"""

import re
from collections.abc import Collection


def _told(words: dict[str, str]) -> dict[str, str]:
    """'kimg iter' -> text, as 'kimg' -> text and 'iter' -> text."""
    return {name: text for names, text in words.items() for name in names.split()}


_AUGMENT = "augmentation is --mirror alone: the adaptive one belongs to StyleGAN2-ADA"
_ONE_SPELLING = "there is nothing to set: it is always so"

TRAIN = _told(
    {
        "kimg totalkimg": "it is --total_kimg",
        "iter iters steps n_iter num_train_steps max_iter epochs nepoch": "it is --total_kimg, thousands of pictures",
        "gpus num_gpus n_gpu ngpu gpu multi_gpus": "it is --hardware, minibatches as for 1gpu, 2gpu, 4gpu or 8gpu; all "
        "GPUs that are visible are used, or as many as --replicas says",
        "data path dataroot data_path data_root image_dir": "it is --dataset, a folder that dataset_tool.py made",
        "res size image_size img_size": "it is --resolution",
        "cfg preset": "it is --config, A to F of the paper; --hardware chooses the minibatches",
        "lr learning_rate lrate": "it is --lrate_g and --lrate_d",
        "glr g_lr lr_g": "it is --lrate_g",
        "dlr d_lr lr_d": "it is --lrate_d",
        "batch_size minibatch minibatch_size mb gradient_accumulate_every": "it is --batch",
        "r1 r1_gamma lambda_r1": "it is --gamma",
        "d_reg_every r1_interval": "it is --set=training.r1_interval=16",
        "mixing mixing_prob style_mixing mixed_prob": "it is --set=training.style_mixing_prob=0.9",
        "map_depth": "it is --set=G.mapping_layers=8",
        "mbstd_group": "it is --set=D.mbstd_group_size=4",
        "cbase network_capacity": "it is --set=G.fmap_base=8192 --set=D.fmap_base=8192",
        "cmax": "it is --set=G.fmap_max=512 --set=D.fmap_max=512",
        "tick": "it is, for one resolution, --set=schedule.tick_kimg.256=40",
        "ema ema_kimg": "it is --set=training.ema_half_life_kimg=10",
        "snapshot_ticks network_snapshot_ticks save_every": "it is --snap",
        "image_snapshot_ticks img_snap imgsnap": "it is --set=output.image_ticks=1",
        "resume_pkl ckpt checkpoint pretrained load network network_pkl load_from resume_run_id transfer": "it is "
        "--init_from for a network file, --resume for a run directory",
        "new": "it is --resume=never",
        "resume_kimg resume_snapshot": "a run knows how far it has come: --resume continues it",
        "name exp_name suffix": "it is --desc",
        "result_dir results_dir run_dir models_dir out output checkpoint_dir": "it is --outdir",
        "mirror_augment hflip xflip": "it is --mirror",
        "conditional class_cond labels use_labels": "it is --cond",
        "fp32": "it is --precision=float32",
        "fp16 amp num_fp16_res": "it is --precision=mixed_float16",
        "allow_tf32": "it is --tf32",
        "transparent": "the data set says it: dataset_tool.py create_from_images --channels=rgba",
        "subset max_images": "the data set is made smaller: dataset_tool.py create_from_images --max_images",
        "workers num_workers": "it is --threads",
        "nodes num_nodes nnodes num_machines": "it is --cluster, the addresses of all machines",
        "rank node_rank machine_rank": "it is --task, with --cluster",
        "aug augpipe p target initstrength ada_target augment augment_p aug_prob aug_types diffaugment": _AUGMENT,
        "freezed dcap cmethod freeze_d": "it does not exist: it belongs to StyleGAN2-ADA",
        "metricdata": "metrics while training see --dataset; run_metrics.py --dataset compares with another one",
        "nhwc nobench channels_last": _ONE_SPELLING,
        "sched_g_lrate": "it is --lrate_g",
    }
)

GENERATE = _told(
    {
        "trunc truncation_psi truncation trunc_psi": "it is --psi",
        "truncation_cutoff": "it is --cutoff",
        "class class_idx class_id label": "it is --labels",
        "projected_w dlatents dlatents_npz latents w_npz": "it is --w",
        "network_pkl pkl ckpt checkpoint load_from model": "it is --network",
        "noise_mode": "it is --noise",
        "result_dir results_dir out output dest out_dir": "it is --outdir",
        "seed": "it is --seeds",
        "num num_images n_sample pics sample samples n_samples": "it is --seeds=0-N",
        "num_image_tiles grid_size rows cols": "it is --grid=COLUMNSxROWS",
        "row_seeds rows_seeds col_seeds cols_seeds col_styles styles style_ranges": "styles are mixed by "
        "`generate.py mixing`",
        "frames w_frames num_keyframes num_frames interpolation": "films are made by `generate.py video`",
        "target target_fname num_steps": "it is project.py that finds what makes a picture; --w shows that",
        "translate rotate": "pictures stay as they are: moving and turning belongs to StyleGAN3",
        "size res resolution": "the network says it",
        "gpus gpu num_gpus": "it is the environment variable CUDA_VISIBLE_DEVICES",
    }
)

_FIGURES = _told(
    {
        "row_seeds rows_seeds dst_seeds": "it is --rows",
        "cols col_seeds cols_seeds src_seeds": "it is --columns",
        "styles style_ranges col_styles": "it is --layers",
        "frames w_frames num_frames": "it is --seconds, with --fps",
        "duration duration_sec length": "it is --seconds",
        "num_keyframes shuffle_seed": "it is --seeds, in the order that you want",
        "interpolation interp kind": "it is --walk",
        "mp4_fps frame_rate framerate": "it is --fps",
        "codec": "it is --video",
        "factor degree magnitude alpha intensity": "it is --strength",
        "boundary boundary_path vector": "it is --direction, a name or FILE.npy",
        "image_zoom zoom": "it is --scale",
    }
)


def of_figures(known: Collection[str]) -> dict[str, str]:
    """The table for `generate.py COMMAND` with these flags: no answer names a flag that it does not have."""

    def fits(name: str, text: str) -> bool:
        named = re.findall(r"--(\w+)", text)
        return name not in known and (not named or not {*known}.isdisjoint(named))

    return {name: text for table in (GENERATE, _FIGURES) for name, text in table.items() if fits(name, text)}


PROJECT = _told(
    {
        "target_fname target_image image images file files input data src_dir": "it is --target",
        "network_pkl pkl ckpt checkpoint model": "it is --network",
        "num_steps step iterations n_steps": "it is --steps",
        "result_dir results_dir out output dest out_dir": "it is --outdir",
        "save_video": "a video is always written; --video says of which kind",
        "class class_idx class_id label": "it is --labels",
        "w_plus": "it is --space=w+",
        "mse": "it is --pixel_weight",
        "batch_size minibatch_size": "it is --batch",
        "lr initial_learning_rate noise noise_ramp noise_regularize": "they are the paper's, see "
        "stylegan_tf/projection/settings.py",
    }
)

METRICS = _told(
    {
        "network_pkl pkl ckpt checkpoint model": "it is --network",
        "data metricdata data_dir dataset_args": "it is --dataset",
        "gpus num_gpus n_gpu": "it is --replicas",
        "mirror_augment": "it is --mirror",
        "result_dir results_dir out output": "it is --outdir",
        "batch_size minibatch minibatch_size batch_gpu": "it is --batch",
        "num n_sample num_fakes max_real num_gen": "it is --num_samples",
        "inception feature_network detector": "it is --nets",
        "input1 input2 path1 path2 real fake generated fid kid prc isc": "two sets of pictures are compared by "
        "`run_metrics.py compare A B`",
        "kid_subsets kid_subset_size prc_neighborhood": "there are 100 subsets of 1000, and 3 neighbours",
    }
)

COMPARE = _told(
    {
        "input1 input2 path1 path2 real fake generated network network_pkl dataset data": "it is one of the two words: "
        "`run_metrics.py compare A B`",
        "fid kid prc isc": "it is --metrics=fid,kid,pr",
        "res size image_size crop": "it is --resolution, central squares",
    }
)
_ALIKE = "gpus num_gpus batch_size num inception kid_subsets kid_subset_size prc_neighborhood"
COMPARE |= {name: METRICS[name] for name in _ALIKE.split()}

_SAME = "kimg data path dataroot res size image_size workers result_dir results_dir"  # as for train.py
CLASSIFIERS = {name: TRAIN[name] for name in _SAME.split()}
CLASSIFIERS |= {"labels": "it is --attributes", "gpus": "it is --hardware=1gpu"}

# Options of dataset_tool.py in StyleGAN2-ADA and StyleGAN3.
DATASET_TOOL = _told(
    {
        "source": "it is the second word: create_from_images DATA_SET PICTURES",
        "dest": "it is the first word: create_from_images DATA_SET PICTURES",
        "transform": "it is --crop=center, or --crop=wide",
        "width height res size": "it is --resolution",
        "max_size num_train num_images n": "it is --max_images",
        "n_worker num_workers": "it is --workers",
        "resample filter": "it is --resize_filter",
    }
)
