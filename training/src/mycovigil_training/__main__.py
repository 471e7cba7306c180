"""``python -m mycovigil_training``: what the worker starts, and the same commands by hand."""

import typer

from mycovigil_training.commands import dataset, demo_model, reencode, retrain, train

app = typer.Typer(add_completion=False, no_args_is_help=True, help=__doc__)
app.command("train")(train.train)
app.command("retrain")(retrain.retrain)
app.command("reencode")(reencode.reencode)
app.command("demo-model")(demo_model.demo_model)
app.add_typer(dataset.app, name="dataset")

if __name__ == "__main__":
    app()
