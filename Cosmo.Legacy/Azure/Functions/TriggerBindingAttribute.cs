namespace Microsoft.Azure.Functions.Worker.Extensions.Abstractions;

/// <summary>The parameter by which a function is started. A function has exactly one.</summary>
[AttributeUsage(AttributeTargets.Parameter)]
public abstract class TriggerBindingAttribute : BindingAttribute
{
    public TriggerBindingAttribute()
    {
    }
}
