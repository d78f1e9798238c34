namespace Slipway.Definitions;

/// <summary>Which stages are needed, and in which order they are made.</summary>
static class StageOrder
{
    const int MostStages = 100;

    /// <summary>The stages that the image copies from, directly or not, each after those that it copies from.</summary>
    /// <exception cref="SlipwayException">A stage is named that is not there, or stages copy from one another in a circle.</exception>
    public static IReadOnlyList<Stage> Sort(Stage image, IReadOnlyList<Stage> stages)
    {
        // they are visited recursively
        if (stages.Count > MostStages)
            throw new SlipwayException("DefinitionTooLarge", ErrorKind.LimitsExceeded, $"{stages[MostStages].Source.From.Where}: more than {MostStages} stages", "Put what they have in common into one.", stages[MostStages].Name);
        List<Stage> sorted = [];
        List<Stage> path = [];
        void Visit(Stage stage)
        {
            path.Add(stage);
            foreach (DefinitionFile file in stage.Files)
            {
                if (file.Stage is null)
                    continue;
                Stage from = stages.FirstOrDefault(s => s.Name == file.Stage) ?? throw new SlipwayException("DefinitionUnknownStage", ErrorKind.InvalidData,
                    $"{file.Where}: there is no stage '{file.Stage}'", stages.Count == 0 ? "Add it under 'stages'." : $"The stages are: {string.Join(", ", stages.Select(s => s.Name))}.", file.Stage);
                if (path.IndexOf(from) is >= 0 and var at)
                    throw new SlipwayException("DefinitionStageCycle", ErrorKind.InvalidData, $"{file.Where}: the stages copy from one another in a circle: {string.Join(" from ", path.Skip(at).Append(from).Select(s => s.Name))}", "Take one of them apart.", file.Stage);
                if (!sorted.Contains(from))
                    Visit(from);
            }
            path.RemoveAt(path.Count - 1);
            if (stage != image)
                sorted.Add(stage);
        }
        Visit(image);
        // one that nothing copies from is read and checked, so that a mistake in it shows, but not made
        foreach (Stage stage in stages.Where(s => !sorted.Contains(s)))
        {
            int made = sorted.Count;
            Visit(stage);
            sorted.RemoveRange(made, sorted.Count - made);
        }
        return sorted;
    }
}
